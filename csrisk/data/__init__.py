"""Tables in: the contract, validation, loading, and a simulator whose truth is known."""

from csrisk.data._contract import CONTRACT, Column, Order, Table
from csrisk.data._customer_data import CustomerData

__all__ = ["CONTRACT", "Column", "CustomerData", "Order", "Table"]
