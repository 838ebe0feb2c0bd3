from ssv_protocol.signing.verdict import EXPLANATIONS, DenialReason, Denied


def test_every_reason_is_explained() -> None:
    assert set(EXPLANATIONS) == set(DenialReason)


def test_explanations_are_distinct_sentences() -> None:
    assert len(set(EXPLANATIONS.values())) == len(EXPLANATIONS)
    assert all(text[0].isupper() and text.endswith(".") for text in EXPLANATIONS.values())


def test_a_denial_explains_itself() -> None:
    assert Denied(DenialReason.NO_RECORD).explanation == EXPLANATIONS[DenialReason.NO_RECORD]
