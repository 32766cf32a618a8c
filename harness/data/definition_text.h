// The pieces of a definition as the server prints it: "FOREIGN KEY (a, "b c") REFERENCES public.p(x, y)".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace migproof {

// The position of `what` at or behind `from`, outside quotes and parentheses; npos where it is not there.
std::size_t FindOutside(std::string_view text, std::string_view what, std::size_t from = 0);

// What stands between the parenthesis that opens at or behind `from` (outside quotes) and the one that closes it; ""
// where there is none. `end` is set behind the closing one.
std::string_view Parenthesised(std::string_view text, std::size_t from = 0, std::size_t* end = nullptr);

// Cut at the commas outside quotes and parentheses, without white space around.
std::vector<std::string> SplitAtCommas(std::string_view text);

std::string_view Trimmed(std::string_view text);

// Whether a definition may ask what this connection has drawn from a sequence, which another one, that puts the same
// rows in, has not (manual, "Sequence Manipulation Functions": currval, lastval).
bool AsksWhatWasDrawn(std::string_view definition);

// The name as it is kept in the server: "order id" without quotes, doubled quotes single.
std::string Unquoted(std::string_view name);

// The value of a literal as the server prints it in bounds: 'it''s'::text, 12, '-3'::integer, true.
std::string LiteralValue(std::string_view literal);

// Every column of `names` (quoted where needed) that an expression mentions outside string literals, as positions.
std::vector<std::size_t> MentionedColumns(std::string_view expression, const std::vector<std::string>& names);

}  // namespace migproof
