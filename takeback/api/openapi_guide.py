"""The text at the top of the API page, and its groups in their order."""

from collections.abc import Mapping

GUIDE = """
Order look-up, cancellations, returns and refunds after checkout.

## Getting started

Find a guest's order and open a request for one of its items:

```sh
curl -H 'Content-Type: application/json' -d '{"number": "1000100", "email": "ada@example.com"}' \\
  https://SHOP/users/orders/anonymous/
curl -H 'Content-Type: application/json' -d '{"number": "1000100", "email": "ada@example.com",
  "order_item": 41, "reason": 1, "cancellation_type": "refund"}' \\
  https://SHOP/users/orders/anonymous/cancellation_requests/
```

Read and decide the requests of channel 1 from another system:

```sh
curl -H 'Authorization: Token KEY' https://SHOP/api/v1/channel/1/cancellation_requests/
curl -X POST -H 'Authorization: Token KEY' \\
  https://SHOP/api/v1/channel/1/cancellation_requests/7/approve/
```

Every path works with and without its final slash, and behind `/api/`, `/api/v1/` and `/api/i1/`.

## Keys

The channel API reads `Authorization: Token KEY`. A key belongs to channels and has scopes: `read`,
`decide`, `money`, `pii`, `admin`. `takeback issue-key` and the desk create keys;
`POST /api/v1/auth/login/` exchanges a staff member's password for a key of twelve hours.

## Sessions and CSRF

The storefront API has a session cookie, which `POST /users/login/` sets. With the cookie, requests
that change something need the header `X-CSRFToken`; `GET /csrf_token/` returns the token. Without a
valid token the response is 403.

## Dialects

The storefront API has two forms. `X-Takeback-Dialect: classic` or `v3` chooses one. Without the
header a guest's body decides (`number`: v3, `order`: classic), else the shop's setting.

| response | classic | v3 |
|---|---|---|
| open one request | 200 | 201 |
| a rule refuses | 406 | 400 |
| invalid field | `{"quantity": "text"}` | `{"quantity": ["text"]}` |
| guest look-up | a page | an array of one order |

Amounts are strings in the storefront API and numbers in the channel API, with the decimals of
their currency.

## Errors

A refusal has a sentence in the language of `Accept-Language` and a code that never changes:
`{"detail", "code"}`, in the storefront API also `{"non_field_errors", "error_code"}` for rules.
Invalid fields are named, in the channel API together with a `code`. Nothing has changed after a
refusal. `X-Request-Id` names the request in the log.

## Retries

Send `Idempotency-Key` with requests that create or decide: a retry with the same key gets the
stored response, with `Idempotent-Replayed: true`. The same key for another request gets 422.
Responses with 409, 429 or 503 can be retried after the seconds in `Retry-After`. `If-Match` with
an `ETag` refuses a change of a newer version with 412.

## Pages

Lists have `page` (from 1) and `limit` (1 to 100), and answer with `count`, `next`, `previous` and
`results`.

## Updates

The `updates/` lists return what has changed since the last batch of the channel, the oldest change
first: open a batch, read, report the objects, and close the batch.
"""

TAGS: Mapping[str, str] = {
    "Storefront: guests": "Guests find an order and open requests, without an account.",
    "Storefront: orders": "Orders and trade-in offers of the signed-in customer.",
    "Storefront: requests": "Cancellations and returns of the signed-in customer.",
    "Storefront: accounts": "Registration, sign-in, session, password, own data, points.",
    "Storefront: addresses": "The customer's address book, and the places in it.",
    "Channel: keys and channels": "Login, the owner of the key, and its channels.",
    "Channel: orders": "Orders and their items: import, read, change, cancel.",
    "Channel: requests": "Requests, reasons, images and refund plans: read and decide.",
    "Channel: customers": "Customers, their addresses and their loyalty points.",
    "Channel: batches and reports": "What has changed, and what has failed.",
    "Channel: settings": "Carriers, staff and settings of a channel.",
    "Operations": "Health of the service.",
}
