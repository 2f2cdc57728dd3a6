"""Rules of the gate, whose check receives what a pull request does to the plans of the workload."""
