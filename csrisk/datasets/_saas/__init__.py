"""Business software accounts with four latent states; months are drawn first, tables are written from them."""

from csrisk.datasets._saas._make import SaasBook, make_saas
from csrisk.datasets._saas._mechanisms import MECHANISMS
from csrisk.datasets._saas._truth import SaasTruth

__all__ = ["MECHANISMS", "SaasBook", "SaasTruth", "make_saas"]
