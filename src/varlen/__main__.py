"""`python -m varlen` is `varlen`."""

from varlen.cli import main

main()
