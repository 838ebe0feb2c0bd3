"""Topics of the SSV contract's events, hex, as the deployed contracts emit them; computed apart from this code.

Source: the contracts' ABI (keccak of each event's canonical signature).
"""

CONTRACT_TOPICS = {
    "OperatorAdded": "d839f31c14bd632f424e307b36abff63ca33684f77f28e35dc13718ef338f7f4",
    "OperatorRemoved": "0e0ba6c2b04de36d6d509ec5bd155c43a9fe862f8052096dd54f3902a74cca3e",
    "ValidatorAdded": "48a3ea0796746043948f6341d17ff8200937b99262a0b48c2663b951ed7114e5",
    "ValidatorRemoved": "ccf4370403e5fbbde0cd3f13426479dcd8a5916b05db424b7a2c04978cf8ce6e",
    "ClusterLiquidated": "1fce24c373e07f89214e9187598635036111dbb363e99f4ce498488cdc66e688",
    "ClusterReactivated": "c803f8c01343fcdaf32068f4c283951623ef2b3fa0c547551931356f456b6859",
    "FeeRecipientAddressUpdated": "259235c230d57def1521657e7c7951d3b385e76193378bc87ef6b56bc2ec3548",
    "ValidatorExited": "b4b20ffb2eb1f020be3df600b2287914f50c07003526d3a9d89a9dd12351828c",
    "ClusterDeposited": "2bac1912f2481d12f0df08647c06bee174967c62d3a03cbc078eb215dc1bd9a2",
    "ClusterWithdrawn": "39d1320bbda24947e77f3560661323384aa0a1cb9d5e040e617e5cbf50b6dbe0",
    "OperatorWhitelistUpdated": "29f72634ccb172103f8c542da23de7f6cf9bce724c5bb91bd6f3a516b14c63fe",
    "OperatorFeeDeclared": "796204296f2eb56d7432fa85961e9750d0cb21741873ebf7077e28263e327358",
    "OperatorFeeDeclarationCancelled": "5055fa347441172447637c015e80a3ee748b9382212ceb5dca5a3683298fd6f3",
    "OperatorFeeExecuted": "513e931ff778ed01e676d55880d8db185c29b0094546ff2b3e9f5b6920d16bef",
    "OperatorWithdrawn": "178bf78bdd8914b8483d640b4a4f84e20943b5eb6b639b7474286364c7651d60",
    "OperatorMaximumFeeUpdated": "38552bed8df52ac76c5de6da688eafcda7d7b070f6c987f391a07dd69986d783",
    "OperatorFeeIncreaseLimitUpdated": "2fff7e5a48a4befc2c2be4d77e141f6d97907798977ce452429ec55c2658a342",
    "DeclareOperatorFeePeriodUpdated": "5fbd75d987b37490f91aa1909db948e7ff14c6ffb495b2f8e0b2334da9b192f1",
    "ExecuteOperatorFeePeriodUpdated": "f6b8a2b45d0a60381de51a7b980c4660d9e5b82db6e07a4d342bfc17a6ff96bf",
    "LiquidationThresholdPeriodUpdated": "42af14411036d7a50e5e92daf825781450fc8fac8fb65cbdb04720ff08efb84f",
    "MinimumLiquidationCollateralUpdated": "d363ab4392efaf967a89d8616cba1ff0c6f05a04c2f214671be365f0fab05960",
    "NetworkEarningsWithdrawn": "370342c3bb9245e20bffe6dced02ba2fceca979701f881d5adc72d838e83f1c5",
    "NetworkFeeUpdated": "8f49a76c5d617bd72673d92d3a019ff8f04f204536aae7a3d10e7ca85603f3cc",
    "OperatorPrivacyStatusUpdated": "7cae2703330c3f53308fb0fe3a9143f335997ba7e059b9ac8e4417ed8fbddbd3",
    "OperatorMultipleWhitelistUpdated": "3d5869fa1ed68d6b7b5e2a1f44df8e1e7edd8ea7a6cc240e45c72e2eb3523962",
    "OperatorMultipleWhitelistRemoved": "589a71ef5bb37432c8ce279a4afc32783592f1764c6fcb07e3c437e80c80ab2e",
    "OperatorWhitelistingContractUpdated": "f41d8ca981ff900f6db7f71d7e2ae866eae8e4327d23e5c692c13a6c43b39c3d",
}
