"""A simulated company, made to try the product on: people, tools, tickets, sessions, changes.

Everything follows from a seed. ``company`` founds it, ``plans`` draws what becomes of each ticket,
``living`` turns that into a history in time, ``telemetry`` and ``deliveries`` say it as the tools
and the forge would, and ``truth`` writes down what really happened. Nothing here reads a database
or knows how sessions are classified: the truth must not come from what it is to check.
"""
