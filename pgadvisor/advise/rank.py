"""The order of findings: what to read first."""

from pgadvisor.model.finding import Finding


def rank(findings: list[Finding]) -> list[Finding]:
    """By severity, then time freed, then time concerned, then sureness; ties by rule and key, so that runs agree."""
    return sorted(
        findings,
        key=lambda finding: (
            finding.severity.rank,
            -(finding.gain_ms_per_day or 0.0),
            -(finding.share or 0.0),
            finding.rung.rank,
            finding.rule,
            finding.key,
        ),
    )
