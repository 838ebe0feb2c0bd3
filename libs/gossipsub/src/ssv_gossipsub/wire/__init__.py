"""RPCs of pubsub as values, and their protobuf encoding."""
