"""Wallets: where a miner, an operator or a pool is paid to, and from which amount on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.contract.money.wallets import (
    NewAddress,
    NewMinPayment,
    WalletAddress,
    WalletAddressList,
    WalletAddressView,
    WalletMinPayment,
    WalletMinPaymentList,
    WalletMinPaymentView,
)
from query_api.contract.shape import JsonObject
from query_api.database import Row
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import InvalidInputError
from query_api.http.forms import form_too, json_or_form
from query_api.http.responses import json_response
from query_api.store.money import wallets
from query_api.store.money.wallets import Wallet
from schemas.addresses.bitcoin import InvalidAddressError, checked_address
from schemas.money import satoshi_of

router = APIRouter(prefix="/wallets/{wallet_id}", tags=["wallets"])
AddressBody = Annotated[NewAddress, Depends(json_or_form(NewAddress))]
MinPaymentBody = Annotated[NewMinPayment, Depends(json_or_form(NewMinPayment))]
FromRow = Callable[[Mapping[str, Any]], JsonObject]


@router.get("/address", response_model=WalletAddressView, deprecated=True)
async def wallet_address(context: Ctx, caller: Who, wallet_id: UUID) -> Response:
    """Use `GET /wallets/{wallet_id}/addresses`: this shows the one in force and the next one."""
    wallet = await _readable(context, caller, wallet_id)
    return _view(await wallets.addresses(context.database, wallet), WalletAddress.from_row)


@router.put(
    "/address",
    response_model=WalletAddressView,
    deprecated=True,
    openapi_extra=form_too(NewAddress),
)
async def put_wallet_address(
    context: Ctx, caller: Who, wallet_id: UUID, body: AddressBody
) -> Response:
    """Use `POST /wallets/{wallet_id}/addresses`: this does the same."""
    wallet = await _change_address(context, caller, wallet_id, body)
    return _view(await wallets.addresses(context.database, wallet), WalletAddress.from_row)


@router.get("/addresses", response_model=WalletAddressList)
async def wallet_addresses(context: Ctx, caller: Who, wallet_id: UUID) -> Response:
    """Address changes, the newest first: the coming one too."""
    wallet = await _readable(context, caller, wallet_id)
    return _list(await wallets.addresses(context.database, wallet), WalletAddress.from_row)


@router.post("/addresses", response_model=WalletAddressList, openapi_extra=form_too(NewAddress))
async def add_wallet_address(
    context: Ctx, caller: Who, wallet_id: UUID, body: AddressBody
) -> Response:
    """Change the address. The new one counts from the first 00:00 UTC that is at least 24 hours
    away; until then the old one is not paid to either, since a change often means that it is lost.
    Setting the address in force again takes a coming change back."""
    wallet = await _change_address(context, caller, wallet_id, body)
    return _list(await wallets.addresses(context.database, wallet), WalletAddress.from_row)


@router.get("/min-payment", response_model=WalletMinPaymentView, deprecated=True)
async def wallet_min_payment(context: Ctx, caller: Who, wallet_id: UUID) -> Response:
    """Use `GET /wallets/{wallet_id}/min-payments`."""
    wallet = await _readable(context, caller, wallet_id)
    return _view(await wallets.min_payments(context.database, wallet), WalletMinPayment.from_row)


@router.put(
    "/min-payment",
    response_model=WalletMinPaymentView,
    deprecated=True,
    openapi_extra=form_too(NewMinPayment),
)
async def put_wallet_min_payment(
    context: Ctx, caller: Who, wallet_id: UUID, body: MinPaymentBody
) -> Response:
    """Use `POST /wallets/{wallet_id}/min-payments`: this does the same."""
    wallet = await _change_min_payment(context, caller, wallet_id, body)
    return _view(await wallets.min_payments(context.database, wallet), WalletMinPayment.from_row)


@router.get("/min-payments", response_model=WalletMinPaymentList)
async def wallet_min_payments(context: Ctx, caller: Who, wallet_id: UUID) -> Response:
    """Changes of the smallest payment, the newest first: the coming one too."""
    wallet = await _readable(context, caller, wallet_id)
    return _list(await wallets.min_payments(context.database, wallet), WalletMinPayment.from_row)


@router.post(
    "/min-payments", response_model=WalletMinPaymentList, openapi_extra=form_too(NewMinPayment)
)
async def add_wallet_min_payment(
    context: Ctx, caller: Who, wallet_id: UUID, body: MinPaymentBody
) -> Response:
    """Change the smallest payment, from the next 00:00 UTC. At least 0.001 BTC."""
    wallet = await _change_min_payment(context, caller, wallet_id, body)
    return _list(await wallets.min_payments(context.database, wallet), WalletMinPayment.from_row)


async def _readable(context: Context, caller: Caller, uid: UUID) -> Wallet:
    wallet = await wallets.find(context.database, uid)
    if wallet is None:
        caller.refuse_missing("wallet")
    caller.require(Action.READ_TERMS, wallet.scope)
    return wallet


async def _own(context: Context, caller: Caller, uid: UUID) -> Wallet:
    """Where money goes is decided by those whose it is, not by a role above them."""
    wallet = await wallets.find(context.database, uid)
    if wallet is None:
        caller.refuse_missing("wallet")
    caller.require(Action.CHANGE_WALLET, wallet.own_scope)
    return wallet


async def _change_address(context: Context, caller: Caller, uid: UUID, body: NewAddress) -> Wallet:
    wallet = await _own(context, caller, uid)
    config = context.config.money
    try:
        address = checked_address(body.address, config.network)
    except InvalidAddressError as error:
        raise InvalidInputError(f"body address: {error}") from error
    await wallets.change_address(
        context.database,
        wallet,
        address,
        network=config.network,
        wait_s=config.address_wait_s,
        who=caller.name,
    )
    return wallet


async def _change_min_payment(
    context: Context, caller: Caller, uid: UUID, body: NewMinPayment
) -> Wallet:
    wallet = await _own(context, caller, uid)
    amount_sat = satoshi_of(body.amount)
    await wallets.change_min_payment(context.database, wallet, amount_sat, who=caller.name)
    return wallet


def _list(rows: Sequence[Row], from_row: FromRow) -> Response:
    return json_response({"data": [from_row(row) for row in rows]})


def _view(rows: Sequence[Row], from_row: FromRow) -> Response:
    """The entry in force and the next one. Rows come newest first."""
    begun = [row for row in rows if row["begun"]]
    coming = [row for row in rows if not row["begun"]]
    return json_response(
        {
            "current": from_row(begun[0]) if begun else None,
            "future": from_row(coming[-1]) if coming else None,
        }
    )
