from ssv_protocol.runners.ledger import MissedReason


def test_every_reason_has_an_explanation_of_its_own() -> None:
    explanations = [reason.explanation for reason in MissedReason]
    assert len(set(explanations)) == len(explanations)
    assert all(text.endswith(".") for text in explanations)
