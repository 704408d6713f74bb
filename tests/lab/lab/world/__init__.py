"""What all other rooms stand on: the lab and its lock, the clock, places, children, addresses."""
