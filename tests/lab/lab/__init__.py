"""A local AWS: moto in one process, with an overlay that gives it real AWS's manners."""
