"""Load balancers that listen, their rules, and their targets."""
