#!/usr/bin/env python3
"""Recomputes the totals of a path from the events of its trace, and compares.

    flashcrash trace SCENARIO --path N --json > trace.jsonl
    python3 tests/trace_totals.py trace.jsonl [output/NAME/paths.csv]

Everything is recomputed from the event lines in exact decimals with the standard library alone. The result is
compared with the `totals` line that ends the trace and, where a table is given, with the path's row in it. Exit
code 0 where all agree, 1 where something differs, 2 where the input is not a whole trace.
"""

import csv
import json
import sys
from decimal import Decimal, getcontext
from fractions import Fraction
from math import floor

getcontext().prec = 60

# Not in the events: the runs for the fund that is needed and at infinite depth, what the population tells, the flow of
# others and the depth of the book.
FLOW = {"taker_volume", "taker_sells", "forced_volume", "depth_left_min"}
UNTOLD = {"fund_need", "fund_need_cash", "infinite_depth_notional", "open_interest", "redrawn"} | FLOW
# Told by neither: these runs are not repeated for a trace.
NOT_IN_TRACE = {"fund_need", "fund_need_cash", "infinite_depth_notional"}

LAYERS = {"venue": "venue_paid", "deficit": "unfunded_deficit", "backstop": "backstop_loss", "trader": "socialised"}


def kind(party):
    return party.split(":")[0]


def lose(message):
    print(f"trace_totals: {message}", file=sys.stderr)
    sys.exit(2)


def leg(prices, up):
    """The deepest fall of the traded price from a high to a later low (or the highest rise), and when half of it was back."""
    best = start = end = prices[0]["index"]
    ended = back = None
    for price in prices:
        now = price["traded"]
        if now <= best if up else now >= best:
            best = now
        if best * end < start * now if up else best * end > start * now:
            start, end, ended, back = best, now, price["at"], None
        elif back is None and start != end and ((2 * now <= start + end) if up else (2 * now >= start + end)):
            back = price["at"] - ended
    return {"leg_from": start, "leg_to": end, "half_retrace_s": Decimal(-1) if back is None else back}


def valuation(header):
    """What an amount of each contract is worth at a mark: amount times mark, or for an inverse contract its lots times
    the coins of one lot, rounded to the nearest cash unit with ties up."""
    unit = Fraction(header["cash_unit"])

    def inverse(lot):
        lot = Fraction(lot)

        def worth(amount, mark):
            coins = floor(lot / (Fraction(mark) * unit) + Fraction(1, 2)) if mark else 0
            units = Fraction(amount) / lot * coins * unit
            return Decimal(units.numerator) / Decimal(units.denominator)

        return worth

    def linear(amount, mark):
        return amount * mark

    return {of["symbol"]: inverse(of["lot"]) if of["contract"] == "inverse" else linear for of in header["contracts"]}


def recompute(header, events):
    """All totals that the events tell, and a list of contradictions among the events themselves."""
    first = header["contracts"][0]["symbol"]
    worth = valuation(header)
    odd = []
    sums = {
        name: Decimal(0)
        for name in (
            "liquidations to_book to_engine to_backstop to_adl liquidated_long_notional inventory_sold fund_paid "
            "fund_received inventory_hole horizon_mark adl_events adl_notional adl_haircut adl_gift venue_paid "
            "backstop_loss socialised unfunded_deficit taker_fees fees_waived book_cost_avoided fund_open "
            "voluntary_orders voluntary_sold voluntary_bought top_ups topped_up withdrawn hedge_broken spot_sold spot_fall "
            "stop_loss_notional take_profit_notional voluntary_exit_notional panic_notional dip_buyer_notional "
            "arbitrage_notional re_entry_notional"
        ).split()
    }
    fund = flow = lowest = Decimal(0)
    marks, orders, prices = {}, {}, []
    liquidated, winners, actors = set(), set(), set()
    declared = dict.fromkeys(("to_book", "to_engine", "to_backstop", "to_adl"), Decimal(0))
    told_paid = Decimal(0)
    exhausted = None
    time = Decimal(0)
    for number, event in events:
        now = Decimal(event["time_s"])
        if now < time:
            odd.append(f"line {number}: time runs backwards")
        time = now
        fact = event["fact"]
        if fact == "posted":
            amount = Decimal(event["amount"])
            source, target, why = event["from"], event["to"], event["why"]
            if amount < 0:
                odd.append(f"line {number}: a negative amount")
            move = (target == "fund") * amount - (source == "fund") * amount
            fund += move
            if source == "world" or target == "world":
                if target == "fund":
                    sums["fund_open"] += amount
            elif move:
                flow += move
                lowest = min(lowest, flow)
                if source == "fund":
                    sums["fund_paid"] += amount
                elif why == "repayment":
                    sums["fund_paid"] -= amount
                else:
                    sums["fund_received"] += amount
            if why in ("shortfall", "inventory") and kind(source) in LAYERS:
                sums[LAYERS[kind(source)]] += amount
            elif why == "repayment" and kind(target) in LAYERS:
                sums[LAYERS[kind(target)]] -= amount
            if why == "taker_fee" and target == "fees":
                sums["taker_fees"] += amount
        elif fact == "traded":
            lots = abs(Decimal(event["qty"]))
            via, party = event["via"], event["party"]
            if via == "opening":
                continue
            notional = worth[event["symbol"]](lots, marks.get(event["symbol"], Decimal(0)))
            order = orders.get(event["order"])
            if order is not None and party == order["party"]:
                way = {"book": "to_book", "takeover": "to_engine", "backstop": "to_backstop", "adl": "to_adl"}[via]
                sums[way] += notional
                order["left"] -= lots
                if order["long"]:
                    sums["liquidated_long_notional"] += notional
            elif kind(party) in ("engine", "backstop") and via == "book":
                sums["inventory_sold"] += notional
        elif fact == "marked":
            marks[event["symbol"]] = Decimal(event["mark"])
        elif fact == "priced" and event["symbol"] == first:
            prices.append({name: Decimal(event[name]) for name in ("index_exogenous", "index", "traded")} | {"at": now})
        elif fact == "order_opened":
            sums["liquidations"] += 1
            liquidated.add(event["account"])
            lots = Decimal(event["qty"])
            orders[event["order"]] = {"party": f"trader:{event['account']}", "left": abs(lots), "long": lots > 0}
        elif fact == "order_closed":
            if orders[event["order"]]["left"] != 0:
                odd.append(f"line {number}: order {event['order']} closes with lots left")
            for way in declared:
                declared[way] += Decimal(event[way])
            sums["fees_waived"] += Decimal(event["fees_waived"])
            sums["book_cost_avoided"] += Decimal(event["book_cost_avoided"])
            told_paid += sum(map(Decimal, event["paid"].values()))
        elif fact == "ticket_closed":
            told_paid += sum(map(Decimal, event["paid"].values()))
        elif fact == "backstop_closed":
            told_paid += sum(map(Decimal, event["paid"].values()))
            sums["backstop_loss"] += Decimal(event["paid"]["backstop"])
        elif fact == "exhausted" and exhausted is None:
            exhausted = now
        elif fact == "round":
            sums["adl_events"] += Decimal(event["placed"]) > 0
        elif fact == "deleveraged":
            winners.add(event["account"])
            sums["adl_notional"] += Decimal(event["notional"])
            haircut = Decimal(event["haircut"])
            sums["adl_haircut"] += max(haircut, 0)
            sums["adl_gift"] += max(-haircut, 0)
        elif fact == "acted":
            amount, deed = Decimal(event["amount"]), event["deed"]
            if deed == "traded":
                sums["voluntary_orders"] += 1
                sums["voluntary_bought" if Decimal(event["qty"]) > 0 else "voluntary_sold"] += amount
                if event["by"] + "_notional" in sums:
                    sums[event["by"] + "_notional"] += amount
            elif deed == "topped_up":
                sums["top_ups"] += 1
                sums["topped_up"] += amount
            else:
                sums[{"withdrew": "withdrawn", "hedge_broken": "hedge_broken", "sold_spot": "spot_sold"}[deed]] += amount
            if deed != "hedge_broken":
                actors.add(event["account"])
        elif fact == "spot_moved" and event["symbol"] == first:
            sums["spot_fall"] += Decimal(event["from_price"]) - Decimal(event["to_price"])
        elif fact == "inventory":
            sums["inventory_hole"] = max(sums["inventory_hole"], -Decimal(event["mark_to_market"]))
        elif fact == "horizon":
            sums["horizon_mark"] = Decimal(event["horizon_mark"])
        if Decimal(event["fund_after"]) != fund:
            odd.append(f"line {number}: the fund after it is {fund}, not {event['fund_after']}")
            fund = Decimal(event["fund_after"])

    for way, amount in declared.items():
        if amount != sums[way]:
            odd.append(f"{way}: the legs say {sums[way]}, the closed orders {amount}")
    sums["shortfall"] = (
        sums["fund_paid"] + sums["venue_paid"] + sums["backstop_loss"] + sums["socialised"] + sums["unfunded_deficit"]
    )
    if told_paid != sums["shortfall"]:
        odd.append(f"shortfall: the postings say {sums['shortfall']}, orders and tickets {told_paid}")
    sums["liquidated_notional"] = sum(sums[way] for way in declared)
    sums["liquidated_accounts"] = len(liquidated)
    sums["adl_accounts"] = len(winners)
    sums["voluntary_accounts"] = len(actors)
    sums["fund_close"] = sums["fund_open"] + flow
    sums["fund_min"] = sums["fund_open"] + lowest
    sums["fund_draw"] = max(Decimal(0), -min(lowest, flow + sums["horizon_mark"]))
    sums["exhausted_at_s"] = exhausted
    if prices:
        sums["price_open"] = prices[0]["index"]
        for name in ("index_exogenous", "index", "traded"):
            sums[f"{name}_low"] = min(price[name] for price in prices)
            sums[f"{name}_high"] = max(price[name] for price in prices)
        sums["traded_close"] = prices[-1]["traded"]
    else:
        odd.append("no price of the first asset is told")
    return sums, prices, odd


def same(a, b):
    empty = (None, "")
    if a in empty or b in empty:
        return a in empty and b in empty
    return Decimal(str(a)) == Decimal(str(b))


def main(arguments):
    if len(arguments) not in (1, 2):
        lose(__doc__.strip())
    with open(arguments[0], encoding="utf-8") as file:
        lines = [(number, json.loads(line)) for number, line in enumerate(file, 1) if line.strip()]
    if len(lines) < 2 or lines[0][1].get("fact") != "path" or lines[-1][1].get("fact") != "totals":
        lose("a whole trace begins with a line `path` and ends with a line `totals`")
    header, totals = lines[0][1], lines[-1][1]
    recomputed, prices, wrong = recompute(header, lines[1:-1])
    if prices:
        # A trace does not say which way is adverse: its totals tell.
        legs = [leg(prices, up) for up in (False, True)]
        told = {name: Decimal(str(totals[name])) for name in legs[0]}
        recomputed |= legs[1] if told == legs[1] else legs[0]
    columns = [name for name in totals if name not in ("fact", "path")]
    for name in columns:
        if name in UNTOLD:
            continue
        if name not in recomputed:
            wrong.append(f"{name}: this script does not know how to recompute it")
        elif not same(totals[name], recomputed[name]):
            wrong.append(f"{name}: the totals say {totals[name]}, the events {recomputed[name]}")
    compared = 0
    if len(arguments) == 2:
        with open(arguments[1], encoding="utf-8", newline="") as file:
            row = next((row for row in csv.DictReader(file) if int(row["path"]) == totals["path"]), None)
        if row is None:
            lose(f"{arguments[1]} has no path {totals['path']}")
        for name in row:
            if name == "path" or name in NOT_IN_TRACE:
                continue
            compared += 1
            if name not in totals:
                wrong.append(f"{name}: a column of the table that the totals lack")
            elif not same(totals[name], row[name]):
                wrong.append(f"{name}: the totals say {totals[name]}, the table {row[name]}")
    for message in wrong:
        print(f"path {totals['path']}: {message}", file=sys.stderr)
    if wrong:
        return 1
    told = sum(name not in UNTOLD for name in columns)
    print(f"path {totals['path']}: {len(lines) - 2} events, {told} totals recomputed, {compared} columns of the table equal")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
