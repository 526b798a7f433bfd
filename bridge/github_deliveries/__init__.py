"""Recovers what GitHub could not deliver: it tries once, keeps it for three days, and delivers it again if asked.

https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""
