// Grammars such as people write.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace vb::test {

inline constexpr std::array<std::pair<std::string_view, std::string_view>, 14> good_grammars{{
    {"json", R"G(# JSON, without space where none is needed
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws
string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
)G"},
    {"arithmetic", R"G(root  ::= (expr "=" ws term "\n")+
expr  ::= term ([-+*/] term)*
term  ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \t\n]*
)G"},
    {"chess", R"G(# moves in algebraic notation
root     ::= "1. " move " " move "\n" ([1-9] [0-9]? ". " move " " move "\n")+
move     ::= (pawn | nonpawn | castle) [+#]?
nonpawn  ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn     ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
castle   ::= "O-O" "-O"?
)G"},
    {"list", "root ::= item+\n\n# Excludes various line break characters\nitem ::= \"- \" "
             "[^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ \"\\n\"\n"},
    {"yes or no", "root ::= (\"yes\" | \"no\") \".\"?"},
    {"date", "root ::= [0-9]{4} \"-\" [0-9]{2} \"-\" [0-9]{2,2} (\"T\" [0-9]{1,} )?\r\n"},
    {"japanese",
     "root ::= jp-char+ ([ \\t\\n] jp-char+)*\njp-char ::= hiragana | katakana | punctuation | cjk\n"
     "hiragana ::= [ぁ-ゟ]\nkatakana ::= [ァ-ヿ]\npunctuation ::= [、-〾]\ncjk ::= [一-鿿]\n"},
    {"any", "root ::= .*"},
    {"upper case and digits", "root ::= A-1 | A-1 root\nA-1 ::= \"\\U0001F600\" [\\]\\[a-] \"x\"{0} [^^]"},
    {"only comments after", "root ::= \"a\" # one\n  # two\n\n# three"},
    {"empty alternatives", "root ::= | \"a\" | a-b\na-b ::= \"\" \"b\"\n"},
    {"defined twice", "root ::= a\na ::= \"x\"\na ::= \"y\""},
    {"repeated", "root ::= \"a\"{0,1999} (\"b\"? \"c\"){2,30} \"d\"*? \"e\"{3}{4}"},
    {"tokens", "root ::= <[3]> !<[4]>* \"x\""},
}};

} // namespace vb::test
