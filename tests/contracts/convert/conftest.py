"""A reader of small ODCS documents for each test that asks for one."""

from odcs_documents import document_reader

__all__ = ["document_reader"]
