"""Payouts: batches that a person approves, signed elsewhere, that cannot pay anybody twice.

    propose → approve → build → (signed elsewhere) import → broadcast → confirm → finalize
       1         2        3                          4          5          6         7

Each step is one transaction that moves the batch on, and is written down with who and when. What
has been signed never goes back by itself: the bytes stay, and the same bytes are sent again.
"""
