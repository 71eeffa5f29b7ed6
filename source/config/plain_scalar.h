// How unquoted text becomes a boolean or a number: the rules that xDS files are read with elsewhere, which are those of
// YAML 1.1. Pure functions of the reader of YAML and JSON.
#pragma once

#include <string>
#include <string_view>

#include "source/config/value.h"

namespace weir::config {

// Makes a kBool of a string that is true, yes, on or y, or false, no, off or n, in lower, upper or title case.
bool setBool(Value& value);

// Makes a kInteger of a string that is decimal, 0x hexadecimal, or octal after a leading zero. What does not fit 64
// bits stays a string.
bool setInteger(Value& value);

// Whether the whole text is a finite decimal number.
bool isNumber(std::string_view text);

// JSON writes a character above U+FFFF as two escapes, \uD83D\uDE00, which YAML does not know; this gives its own
// form, \U0001F600.
std::string joinSurrogates(std::string_view text);

}  // namespace weir::config
