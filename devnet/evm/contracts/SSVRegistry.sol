// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The SSV network's registry as a local network needs it.
/// @notice Emits the events of the deployed SSV contracts with their exact signatures, through functions of the
/// same names. Fees are paid in ether and never accrue; a cluster's balance is what was sent minus what was withdrawn.
/// @dev Like the deployed contracts it checks neither nonce nor shares nor keys: the nodes that read the logs do.
/// Two checks of theirs are left out, so that a node's own can be tried: committee sizes and keys registered twice.
/// The `Cluster` that callers pass is not compared with the stored one; only its place in the signature matters.
contract SSVRegistry {
    struct Cluster {
        uint32 validatorCount;
        uint64 networkFeeIndex;
        uint64 index;
        bool active;
        uint256 balance;
    }

    struct Operator {
        address owner; // zero: never added, or removed
        uint256 feeWei;
        uint256 declaredFeeWei;
    }

    event OperatorAdded(uint64 indexed operatorId, address indexed owner, bytes publicKey, uint256 fee);
    event OperatorRemoved(uint64 indexed operatorId);
    event OperatorFeeDeclared(address indexed owner, uint64 indexed operatorId, uint256 blockNumber, uint256 fee);
    event OperatorFeeExecuted(address indexed owner, uint64 indexed operatorId, uint256 blockNumber, uint256 fee);
    event OperatorPrivacyStatusUpdated(uint64[] operatorIds, bool toPrivate);
    event ValidatorAdded(address indexed owner, uint64[] operatorIds, bytes publicKey, bytes shares, Cluster cluster);
    event ValidatorRemoved(address indexed owner, uint64[] operatorIds, bytes publicKey, Cluster cluster);
    event ValidatorExited(address indexed owner, uint64[] operatorIds, bytes publicKey);
    event ClusterLiquidated(address indexed owner, uint64[] operatorIds, Cluster cluster);
    event ClusterReactivated(address indexed owner, uint64[] operatorIds, Cluster cluster);
    event ClusterDeposited(address indexed owner, uint64[] operatorIds, uint256 value, Cluster cluster);
    event ClusterWithdrawn(address indexed owner, uint64[] operatorIds, uint256 value, Cluster cluster);
    event FeeRecipientAddressUpdated(address indexed owner, address recipientAddress);

    error OperatorDoesNotExist(uint64 operatorId);
    error CallerNotOwner(uint64 operatorId, address caller);
    error UnsortedOperatorsList();
    error OperatorsListNotUnique();
    error EmptyPublicKeysList();
    error PublicKeysSharesLengthMismatch(uint256 publicKeys, uint256 shares);
    error ClusterDoesNotExist();
    error ClusterIsLiquidated();
    error ClusterAlreadyEnabled();
    error InsufficientBalance(uint256 balance, uint256 wanted);
    error NoFeeDeclared(uint64 operatorId);
    error TransferFailed();

    uint64 public lastOperatorId;
    mapping(uint64 operatorId => Operator) private operators;
    mapping(bytes32 clusterKey => Cluster) private clusters;
    mapping(bytes32 clusterKey => bool) private clusterExists;

    // ---- operators

    function registerOperator(bytes calldata publicKey, uint256 fee) external returns (uint64 operatorId) {
        operatorId = ++lastOperatorId;
        operators[operatorId] = Operator(msg.sender, fee, 0);
        emit OperatorAdded(operatorId, msg.sender, publicKey, fee);
    }

    function removeOperator(uint64 operatorId) external {
        _ownOperator(operatorId);
        delete operators[operatorId];
        emit OperatorRemoved(operatorId);
    }

    function declareOperatorFee(uint64 operatorId, uint256 fee) external {
        _ownOperator(operatorId).declaredFeeWei = fee;
        emit OperatorFeeDeclared(msg.sender, operatorId, block.number, fee);
    }

    function executeOperatorFee(uint64 operatorId) external {
        Operator storage operator = _ownOperator(operatorId);
        if (operator.declaredFeeWei == 0) revert NoFeeDeclared(operatorId);
        operator.feeWei = operator.declaredFeeWei;
        operator.declaredFeeWei = 0;
        emit OperatorFeeExecuted(msg.sender, operatorId, block.number, operator.feeWei);
    }

    function setOperatorsPrivateUnchecked(uint64[] calldata operatorIds) external {
        for (uint256 i = 0; i < operatorIds.length; i++) _ownOperator(operatorIds[i]);
        emit OperatorPrivacyStatusUpdated(operatorIds, true);
    }

    // ---- validators

    function registerValidator(
        bytes calldata publicKey,
        uint64[] calldata operatorIds,
        bytes calldata sharesData,
        Cluster calldata
    ) external payable {
        Cluster storage cluster = _openCluster(operatorIds);
        _addValidator(cluster, publicKey, operatorIds, sharesData);
    }

    function bulkRegisterValidator(
        bytes[] calldata publicKeys,
        uint64[] calldata operatorIds,
        bytes[] calldata sharesData,
        Cluster calldata
    ) external payable {
        if (publicKeys.length == 0) revert EmptyPublicKeysList();
        if (publicKeys.length != sharesData.length) {
            revert PublicKeysSharesLengthMismatch(publicKeys.length, sharesData.length);
        }
        Cluster storage cluster = _openCluster(operatorIds);
        for (uint256 i = 0; i < publicKeys.length; i++) {
            _addValidator(cluster, publicKeys[i], operatorIds, sharesData[i]);
        }
    }

    function removeValidator(bytes calldata publicKey, uint64[] calldata operatorIds, Cluster calldata) external {
        Cluster storage cluster = _cluster(msg.sender, operatorIds);
        if (cluster.validatorCount == 0) revert ClusterDoesNotExist();
        cluster.validatorCount--;
        emit ValidatorRemoved(msg.sender, operatorIds, publicKey, cluster);
    }

    function exitValidator(bytes calldata publicKey, uint64[] calldata operatorIds) external {
        _cluster(msg.sender, operatorIds);
        emit ValidatorExited(msg.sender, operatorIds, publicKey);
    }

    function bulkExitValidator(bytes[] calldata publicKeys, uint64[] calldata operatorIds) external {
        if (publicKeys.length == 0) revert EmptyPublicKeysList();
        _cluster(msg.sender, operatorIds);
        for (uint256 i = 0; i < publicKeys.length; i++) {
            emit ValidatorExited(msg.sender, operatorIds, publicKeys[i]);
        }
    }

    // ---- clusters

    function liquidate(address clusterOwner, uint64[] calldata operatorIds, Cluster calldata) external {
        Cluster storage cluster = _cluster(clusterOwner, operatorIds);
        if (!cluster.active) revert ClusterIsLiquidated();
        uint256 reward = cluster.balance;
        cluster.active = false;
        cluster.balance = 0;
        emit ClusterLiquidated(clusterOwner, operatorIds, cluster);
        _pay(reward);
    }

    function reactivate(uint64[] calldata operatorIds, Cluster calldata) external payable {
        Cluster storage cluster = _cluster(msg.sender, operatorIds);
        if (cluster.active) revert ClusterAlreadyEnabled();
        cluster.active = true;
        cluster.balance += msg.value;
        emit ClusterReactivated(msg.sender, operatorIds, cluster);
    }

    function deposit(address clusterOwner, uint64[] calldata operatorIds, Cluster calldata) external payable {
        Cluster storage cluster = _cluster(clusterOwner, operatorIds);
        cluster.balance += msg.value;
        emit ClusterDeposited(clusterOwner, operatorIds, msg.value, cluster);
    }

    function withdraw(uint64[] calldata operatorIds, uint256 amount, Cluster calldata) external {
        Cluster storage cluster = _cluster(msg.sender, operatorIds);
        if (cluster.balance < amount) revert InsufficientBalance(cluster.balance, amount);
        cluster.balance -= amount;
        emit ClusterWithdrawn(msg.sender, operatorIds, amount, cluster);
        _pay(amount);
    }

    function setFeeRecipientAddress(address recipientAddress) external {
        emit FeeRecipientAddressUpdated(msg.sender, recipientAddress);
    }

    // ---- shared

    function _ownOperator(uint64 operatorId) private view returns (Operator storage operator) {
        operator = operators[operatorId];
        if (operator.owner == address(0)) revert OperatorDoesNotExist(operatorId);
        if (operator.owner != msg.sender) revert CallerNotOwner(operatorId, msg.sender);
    }

    /// The caller's cluster of these operators, made on first use, with what was sent added to its balance.
    function _openCluster(uint64[] calldata operatorIds) private returns (Cluster storage cluster) {
        for (uint256 i = 0; i < operatorIds.length; i++) {
            if (i > 0 && operatorIds[i] == operatorIds[i - 1]) revert OperatorsListNotUnique();
            if (i > 0 && operatorIds[i] < operatorIds[i - 1]) revert UnsortedOperatorsList();
            if (operators[operatorIds[i]].owner == address(0)) revert OperatorDoesNotExist(operatorIds[i]);
        }
        bytes32 key = _clusterKey(msg.sender, operatorIds);
        cluster = clusters[key];
        if (!clusterExists[key]) {
            clusterExists[key] = true;
            cluster.active = true;
        }
        if (!cluster.active) revert ClusterIsLiquidated();
        cluster.balance += msg.value;
    }

    function _addValidator(
        Cluster storage cluster,
        bytes calldata publicKey,
        uint64[] calldata operatorIds,
        bytes calldata sharesData
    ) private {
        cluster.validatorCount++;
        emit ValidatorAdded(msg.sender, operatorIds, publicKey, sharesData, cluster);
    }

    function _cluster(address owner, uint64[] calldata operatorIds) private view returns (Cluster storage) {
        bytes32 key = _clusterKey(owner, operatorIds);
        if (!clusterExists[key]) revert ClusterDoesNotExist();
        return clusters[key];
    }

    function _clusterKey(address owner, uint64[] calldata operatorIds) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(owner, operatorIds));
    }

    function _pay(uint256 amountWei) private {
        (bool paid, ) = msg.sender.call{value: amountWei}("");
        if (!paid) revert TransferFailed();
    }
}
