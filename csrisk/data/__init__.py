"""Tables in: the contract, validation, loading, and a simulator whose truth is known."""

from csrisk.data._breach import CODES, Breach, Code
from csrisk.data._contract import AGAINST_US, CONTRACT, ENDED, FOR_US, UNASKED, Column, Order, Table
from csrisk.data._customer_data import CustomerData
from csrisk.data._demo import load_demo
from csrisk.data._simulator import SaasBook, SaasTruth, make_saas

__all__ = [
    "AGAINST_US",
    "CODES",
    "CONTRACT",
    "ENDED",
    "FOR_US",
    "UNASKED",
    "Breach",
    "Code",
    "Column",
    "CustomerData",
    "Order",
    "Table",
    "SaasBook",
    "SaasTruth",
    "load_demo",
    "make_saas",
]
