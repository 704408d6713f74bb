"""EC2, of which the lab has the network."""
