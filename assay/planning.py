"""What the classifier gives to the routes about money to come."""

from api.planner import Planner
from classifier.budgets import outlook, standings
from classifier.considering import consider

PLANNER = Planner(standings=standings, forecaster=outlook, considering=consider)
