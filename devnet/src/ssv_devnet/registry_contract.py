"""The SSV registry contract on the local EVM: deploy it and send what operators and validator owners send.

Every transaction comes from anvil's first account, which anvil signs for; that account owns all operators and
clusters. Results are read from receipts and logs, never assumed.
Not guaranteed: that nodes accept what the contract accepted (it checks neither shares nor nonces, they do).
Source: `devnet/evm/contracts/SSVRegistry.sol`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import decode
from eth_typing import ABI, ChecksumAddress, HexStr
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector, get_abi_input_types
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.contract import AsyncContract
from web3.contract.async_contract import AsyncContractConstructor, AsyncContractFunction
from web3.exceptions import ContractLogicError, TimeExhausted
from web3.logs import DISCARD
from web3.types import TxParams, TxReceipt, Wei

from ssv_devnet.checkout import devnet_folder
from ssv_devnet.evm import EvmError
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId

NEW_CLUSTER = (0, 0, 0, True, 0)
"""(validatorCount, networkFeeIndex, index, active, balance). Callers pass one, the contract ignores it."""

VALIDATORS_PER_TRANSACTION = 20
"""3.34 million gas with committees of 13 (measured), of the 30 million that a block of anvil holds."""

_RECEIPT_TIMEOUT_S = 60.0
_POLL_S = 0.05


class TransactionReverted(EvmError):
    """The contract refused; the text holds the function, the custom error and its arguments."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What `devnet/evm/compile.mjs` writes: the ABI and the creation code as 0x-prefixed hex."""

    abi: ABI
    bytecode: HexStr


@dataclass(frozen=True, slots=True)
class RegistryContract:
    """A deployed registry. `owner` (EIP-55) sends all transactions; shares are signed over its nonces."""

    web3: AsyncWeb3[AsyncHTTPProvider]
    contract: AsyncContract
    owner: ChecksumAddress

    @property
    def address(self) -> ChecksumAddress:
        """Where it lies, EIP-55."""
        return self.contract.address

    async def submit(self, function: str, *arguments: object, value_wei: int = 0) -> HexBytes:
        """Send one transaction, its gas estimated first; returns its hash without waiting for a block.

        Raises TransactionReverted when the contract would refuse it now."""
        call: AsyncContractFunction = self.contract.functions[function](*arguments)
        try:
            return await call.transact({"from": self.owner, "value": Wei(value_wei)})
        except ContractLogicError as error:
            raise TransactionReverted(f"{function} reverted: {_reason(error, self.contract.abi)}") from error

    async def mined(self, transaction: HexBytes) -> TxReceipt:
        """The receipt. Raises TransactionReverted if it failed in its block, EvmError if no block took it."""
        receipt = await _receipt(self.web3, transaction)
        if receipt["status"] != 1:
            raise TransactionReverted(f"Transaction 0x{transaction.hex()} reverted in its block.")
        return receipt

    async def send(self, function: str, *arguments: object, value_wei: int = 0) -> TxReceipt:
        """`submit`, then `mined`."""
        return await self.mined(await self.submit(function, *arguments, value_wei=value_wei))


def load_artifact(path: Path | None = None) -> Artifact:
    """The compiled contract, by default `build/evm/SSVRegistry.json` of the checkout.

    Raises EvmError when it was not compiled or is not such a file."""
    path = path or devnet_folder().parent / "build/evm/SSVRegistry.json"
    try:
        content = json.loads(path.read_text())
        return Artifact(content["abi"], content["bytecode"])
    except FileNotFoundError as error:
        raise EvmError(f"The contract is not compiled ({path.name} is missing): run `make setup`.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise EvmError(f"{path.name} is no compiled contract: delete it and run `make setup`.") from error


async def deploy(web3: AsyncWeb3[AsyncHTTPProvider], artifact: Artifact) -> RegistryContract:
    """Deploy from anvil's first account. Raises EvmError when that fails or no block takes it in time."""
    owner = (await web3.eth.accounts)[0]
    creation: AsyncContractConstructor = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode).constructor()
    sender: TxParams = {"from": owner}
    receipt = await _receipt(web3, await creation.transact(sender))
    address = receipt["contractAddress"]
    if receipt["status"] != 1 or address is None:
        raise EvmError("The registry contract could not be deployed.")
    contract = web3.eth.contract(address=address, abi=artifact.abi)
    return RegistryContract(web3, contract, owner)


async def register_operators(
    registry: RegistryContract, public_keys: Sequence[bytes], fee_wei: int = 0
) -> list[OperatorId]:
    """Register operators in this order; `public_keys` are the event's bytes as they stand (ABI-encoded).

    Returns their ids as the OperatorAdded logs give them. Raises TransactionReverted, EvmError."""
    sent = [await registry.submit("registerOperator", key, fee_wei) for key in public_keys]
    ids: list[OperatorId] = []
    for transaction in sent:
        receipt = await registry.mined(transaction)
        events = registry.contract.events["OperatorAdded"]().process_receipt(receipt, errors=DISCARD)
        ids += [OperatorId(event["args"]["operatorId"]) for event in events]
    return ids


async def register_validators(
    registry: RegistryContract,
    validators: Sequence[tuple[BlsPublicKey, bytes]],
    operator_ids: Sequence[OperatorId],
    per_transaction: int = VALIDATORS_PER_TRANSACTION,
) -> list[TxReceipt]:
    """Register (validator key, shares data) pairs with one committee, in this order, so in nonce order.

    Returns one receipt for each transaction. Raises TransactionReverted, EvmError."""
    sent: list[HexBytes] = []
    for start in range(0, len(validators), per_transaction):
        keys, shares = zip(*validators[start : start + per_transaction], strict=True)
        sent.append(
            await registry.submit("bulkRegisterValidator", list(keys), list(operator_ids), list(shares), NEW_CLUSTER)
        )
    return [await registry.mined(transaction) for transaction in sent]


async def exit_validators(
    registry: RegistryContract, validators: Sequence[BlsPublicKey], operator_ids: Sequence[OperatorId]
) -> TxReceipt:
    """Ask the committee to take these validators off the beacon chain: one ValidatorExited for each, in this order.

    Raises TransactionReverted (the owner has no cluster of these operators, or no validators), EvmError."""
    return await registry.send("bulkExitValidator", list(validators), list(operator_ids))


async def set_fee_recipient(registry: RegistryContract, recipient: ExecutionAddress) -> TxReceipt:
    """Say who gets the fees of all blocks of the owner's validators. Raises TransactionReverted, EvmError."""
    return await registry.send("setFeeRecipientAddress", to_checksum_address(recipient))


async def _receipt(web3: AsyncWeb3[AsyncHTTPProvider], transaction: HexBytes) -> TxReceipt:
    try:
        return await web3.eth.wait_for_transaction_receipt(transaction, _RECEIPT_TIMEOUT_S, _POLL_S)
    except TimeExhausted as error:
        raise EvmError(f"No block took transaction 0x{transaction.hex()} within {_RECEIPT_TIMEOUT_S} s.") from error


def _reason(error: ContractLogicError, abi: ABI) -> str:
    """The custom error with its arguments, or the node's own words when the ABI does not know it."""
    data = error.data if isinstance(error.data, str) else ""
    for entry in abi:
        if entry["type"] != "error":
            continue
        selector = function_signature_to_4byte_selector(abi_to_signature(entry))
        if data.startswith(f"0x{selector.hex()}"):
            values: tuple[Any, ...] = decode(get_abi_input_types(entry), HexBytes(data)[len(selector) :])
            return f"{entry['name']}({', '.join(map(str, values))})"
    return error.message or "no reason given"
