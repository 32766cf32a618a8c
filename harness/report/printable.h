// Text of a history or a database (names, messages, cells) as text that is safe to show: valid UTF-8 without control
// characters.
#pragma once

#include <string>
#include <string_view>

namespace migproof {

// Bytes that are not UTF-8 become U+FFFD; control characters but tab and line feed (a terminal, or a reader of XML,
// must not take them for its own) become "\x1b"; marks that turn the direction of what follows become "\u202e".
std::string Printable(std::string_view text);

// As Printable, on one line: "\n", "\r" and "\t" are spelled out.
std::string PrintableLine(std::string_view text);

// As one word of a POSIX shell, quoted where it has to be.
std::string ShellWord(std::string_view word);

// Characters (code points), not bytes, of UTF-8 text.
std::size_t CharacterCount(std::string_view text);

}  // namespace migproof
