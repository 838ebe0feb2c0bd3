"""All instances of one (duty executor, role): which height runs, and what becomes of decided messages.

Invariants: `instances` is ordered by descending height; starting a height stops every other one; a height is
never started twice, nor below the controller's. Height equals slot.

Not guaranteed: the RSA signatures of single-signer messages are the caller's to verify, those of decided
messages are verified here.

Source: ssv-spec qbft/controller.go, qbft/decided.go, qbft/types.go (InstanceContainer). The bound on stored
instances is that of production nodes; the specification keeps all.
"""

from __future__ import annotations

from collections.abc import Callable

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.decided import check_decided, is_decided_message, upon_decided
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.qbft.outputs import Decided, Output
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import FIRST_HEIGHT, Height, MessageId
from ssv_protocol.types.messages import SignedSSVMessage

STORED_INSTANCES = 2
"""What production keeps."""


class Controller:
    """The instances of one identifier.

    `config_at` gives the rules of a height; `stored_instances` is how many instances are kept, None for all.
    """

    def __init__(
        self,
        identifier: MessageId,
        config_at: Callable[[Height], QbftConfig],
        stored_instances: int | None = STORED_INSTANCES,
        height: Height = FIRST_HEIGHT,
    ) -> None:
        self.identifier = identifier
        self.height = height
        self.instances: list[Instance] = []
        self._config_at = config_at
        self._stored_instances = stored_instances

    def instance(self, height: Height) -> Instance | None:
        """Return the stored instance of a height."""
        return next((item for item in self.instances if item.state.height == height), None)

    def start(self, height: Height, value: bytes) -> list[Output]:
        """Start the instance of a height with this operator's own value, and stop all others.

        Raises:
            ProtocolError: what the value check gives, INSTANCE_PAST_HEIGHT, INSTANCE_RUNNING.
        """
        config = self._config_at(height)
        config.check_value(value)
        if height < self.height:
            raise ProtocolError(Reason.INSTANCE_PAST_HEIGHT, f"{height} is below {self.height}")
        if self.instance(height) is not None:
            raise ProtocolError(Reason.INSTANCE_RUNNING, f"height {height}")
        self.height = height
        instance = self._store(Instance(config, State(self.identifier, height)))
        outputs = instance.start(value)
        for other in self.instances:
            if other is not instance:
                other.stop()
        return outputs

    def process(self, signed: SignedSSVMessage) -> list[Output]:
        """Take in one message; see `process_received`. Raises ProtocolError SSZ_DECODE besides."""
        return self.process_received(ReceivedMessage.decode(signed))

    def process_received(self, message: ReceivedMessage) -> list[Output]:
        """Take in one decoded message; a `Decided` among the outputs is the first of its height.

        Raises:
            ProtocolError: MESSAGE_IDENTIFIER, FUTURE_MESSAGE, INSTANCE_NOT_FOUND,
                INSTANCE_DECIDED, and those of `check_decided` and `Instance.process_received`.
        """
        if message.qbft.identifier != self.identifier:
            raise ProtocolError(Reason.MESSAGE_IDENTIFIER, "of another controller")
        height = message.qbft.height
        config = self._config_at(height)
        if is_decided_message(config.member, message):
            return self._process_decided(config, message)
        if self._is_future(height):
            raise ProtocolError(Reason.FUTURE_MESSAGE, f"height {height}, at {self.height}")
        instance = self.instance(height)
        if instance is None:
            raise ProtocolError(Reason.INSTANCE_NOT_FOUND, f"height {height}")
        if instance.state.decided:
            raise ProtocolError(Reason.INSTANCE_DECIDED, f"height {height}")
        return instance.process_received(message)

    def on_timeout(self, height: Height) -> list[Output]:
        """Tell the instance of a height that its round is over.

        Raises:
            ProtocolError: INSTANCE_NOT_FOUND, and those of `Instance.on_timeout`.
        """
        instance = self.instance(height)
        if instance is None:
            raise ProtocolError(Reason.INSTANCE_NOT_FOUND, f"height {height}")
        return instance.on_timeout()

    def _process_decided(self, config: QbftConfig, message: ReceivedMessage) -> list[Output]:
        check_decided(config, message)
        height = message.qbft.height
        instance = self.instance(height)
        if instance is None:
            if self._is_forgotten(height):
                raise ProtocolError(Reason.INSTANCE_PAST_HEIGHT, f"height {height} is no longer kept")
            instance = self._store(Instance(config, State(self.identifier, height)))
        first = upon_decided(instance.state, message)
        self.height = max(self.height, height)
        return [Decided(message.signed, announce=False)] if first else []

    def _is_future(self, height: Height) -> bool:
        not_begun = self.height == FIRST_HEIGHT and self.instance(FIRST_HEIGHT) is None
        return not_begun or height > self.height

    def _is_forgotten(self, height: Height) -> bool:
        return (
            self._stored_instances is not None
            and len(self.instances) >= self._stored_instances
            and height < self.instances[-1].state.height
        )

    def _store(self, instance: Instance) -> Instance:
        self.instances.append(instance)
        self.instances.sort(key=lambda item: item.state.height, reverse=True)
        if self._stored_instances is not None:
            del self.instances[self._stored_instances :]
        return instance
