"""What stands behind ./dev: the model, containers and virtual machines, and a client that asks over HTTP.

Only the standard library; every process started here ends with the process that started it.
"""
