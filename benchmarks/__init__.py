"""Compare saving and loading a namespace with its peers and with what the hardware allows.

``python -m benchmarks`` prints one table and writes all that was measured as JSON; ``--quick`` only shows that it
runs. Needs the extra ``test``.
"""
