"""Domain names: what the hosted zones of the lab say, and a DNS server that says it."""
