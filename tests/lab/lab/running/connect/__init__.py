"""Service Connect: what services serve under names, and the proxies that lead there."""
