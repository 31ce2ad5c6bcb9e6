"""placeholder"""
OFFSET = 0.0
