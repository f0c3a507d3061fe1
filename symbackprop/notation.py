def check_symbols(symbols, where): pass
