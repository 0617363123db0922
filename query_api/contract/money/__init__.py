"""Shapes of money: amounts, fees, payments, earnings, wallets, sharing."""
