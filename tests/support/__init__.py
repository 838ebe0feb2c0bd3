"""What the tests of several services share: real chains, border fakes, a service in parts."""
