"""Where Alertmanager's notifications arrive in the demo: a log line each, a page with the last ones, and metrics.

It stands where a pager or a chat would: replace the receiver in ``infra/alertmanager/alertmanager.yml`` by yours. Run
it by ``python -m infra.notices``.
"""
