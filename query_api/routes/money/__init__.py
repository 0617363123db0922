"""Routes of money: fees, sharing, payments, earnings, wallets."""
