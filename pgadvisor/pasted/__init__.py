"""Plans that a person pastes: EXPLAIN's text, JSON, YAML or XML, however it was copied, becomes Plans."""
