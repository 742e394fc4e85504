"""Webhooks: the endpoints that hear of finished videos, and the delivery of events to them."""
