"""The registry: what the events of the SSV contract make of operators, validators and fee recipients."""
