from ssv_protocol.runners.partial_signature_container import MAX_ROOTS_PER_SIGNER, PartialSignatureContainer
from ssv_protocol.types.ids import BlsSignature, OperatorId, Root, ValidatorIndex
from ssv_protocol.types.partial_signatures import PartialSignature

ROOT, OTHER_ROOT = Root(b"\1" * 32), Root(b"\2" * 32)
INDEX, OTHER_INDEX = ValidatorIndex(5), ValidatorIndex(6)


def item(signer: int, root: Root = ROOT, index: ValidatorIndex = INDEX, fill: int = 7) -> PartialSignature:
    return PartialSignature(BlsSignature(bytes([fill]) * 96), root, OperatorId(signer), index)


def with_three() -> PartialSignatureContainer:
    container = PartialSignatureContainer(quorum=3)
    for signer in (1, 2, 3):
        container.add(item(signer))
    return container


def test_the_quorum_is_made_once() -> None:
    container = PartialSignatureContainer(quorum=3)
    assert [container.add(item(signer)) for signer in (1, 2, 2, 3, 4)] == [False, False, False, True, False]
    assert container.has_quorum(INDEX, ROOT)
    assert set(container.signatures(INDEX, ROOT)) == {1, 2, 3, 4}


def test_roots_and_validators_are_counted_apart() -> None:
    container = PartialSignatureContainer(quorum=2)
    assert not any(
        (container.add(item(1)), container.add(item(2, OTHER_ROOT)), container.add(item(3, index=OTHER_INDEX)))
    )
    assert not container.has_quorum(INDEX, ROOT)
    assert container.signers() == {1, 2, 3}


def test_the_first_signature_of_a_signer_stays_until_it_is_removed() -> None:
    container = PartialSignatureContainer(quorum=3)
    container.add(item(1, fill=7))
    container.add(item(1, fill=8))
    assert container.stored(item(1)) == item(1, fill=7).signature
    container.remove(INDEX, ROOT, [OperatorId(1)])
    container.add(item(1, fill=8))
    assert container.stored(item(1)) == item(1, fill=8).signature
    assert container.stored(item(2)) is None


def test_a_removed_signature_makes_the_quorum_again_when_it_is_back() -> None:
    container = with_three()
    container.remove(INDEX, ROOT, [OperatorId(2), OperatorId(9)])
    assert not container.has_quorum(INDEX, ROOT)
    assert container.add(item(4)) is True


def test_removing_what_is_not_there_does_nothing() -> None:
    container = with_three()
    container.remove(OTHER_INDEX, ROOT, [OperatorId(1)])
    container.remove(INDEX, OTHER_ROOT, [OperatorId(1)])
    assert container.has_quorum(INDEX, ROOT)


def test_a_signer_cannot_fill_the_memory_with_roots() -> None:
    container = PartialSignatureContainer(quorum=3)
    for number in range(MAX_ROOTS_PER_SIGNER + 5):
        container.add(item(1, Root(bytes([number]) * 32)))
    assert len(container.as_tree()[INDEX]) == MAX_ROOTS_PER_SIGNER
    assert container.add(item(2, ROOT)) is False
    assert set(container.signatures(INDEX, ROOT)) == {1, 2}, "others are not kept out"
