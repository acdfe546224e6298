"""Fetches what strangers ask for, and cannot be used to reach your own network.

fetcher.py    the client for computations
addresses.py  which addresses are public
"""

from backburner.fetching.fetcher import Fetched, Fetcher, Refused

__all__ = ["Fetched", "Fetcher", "Refused"]
