"""The JSON routes, one module a noun. Each reads its parameters, asks one report, shapes it."""
