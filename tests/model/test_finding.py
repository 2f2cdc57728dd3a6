"""What a finding says of itself."""

from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where, first_sentence


def finding(*rungs: Rung) -> Finding:
    return Finding(
        where=Where(), message="it is slow", evidence=tuple(Evidence(rung=rung, text="seen") for rung in rungs),
        remedy=Remedy(text="Mend it."), wrong_if="it is not", severity=Severity.INFO,
    )  # fmt: skip


def test_its_rung_is_that_of_what_its_message_rests_on() -> None:
    """A scan that is planned to throw rows away is an estimate, though its calls were counted."""
    assert finding(Rung.ESTIMATED, Rung.INFERRED, Rung.MEASURED).rung is Rung.ESTIMATED
    assert finding().rung is Rung.INFERRED


def test_a_sentence_ends_at_a_stop_that_is_in_no_name_and_no_number() -> None:
    assert first_sentence("Create an index on `app.orders`: it frees 2.5 s. It is small.") == (
        "Create an index on `app.orders`: it frees 2.5 s"
    )
    assert first_sentence("Mend it") == "Mend it"
    assert first_sentence("") == ""
