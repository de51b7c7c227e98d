# vb_library(NAME [FREESTANDING] SOURCES ... [USES ...] [PACKAGES ...])
#
# One folder = one static library = one namespace. Each library sees its own folder and the folders of the
# libraries it USES (transitively), through an include directory that holds a single link: including the
# header of a folder that is not in USES does not compile.
#   FREESTANDING  part of PID 1: no exceptions, no RTTI, small rather than fast
#   PACKAGES      imported targets of other projects, not passed on in the include path of users
function(vb_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "FREESTANDING" "" "SOURCES;USES;PACKAGES")
  set(root ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${name} SYMBOLIC)
  add_library(vb_${name} STATIC ${arg_SOURCES})
  add_library(vb::${name} ALIAS vb_${name})
  target_include_directories(vb_${name} PUBLIC ${root})
  foreach(used IN LISTS arg_USES)
    target_link_libraries(vb_${name} PUBLIC vb_${used})
  endforeach()
  target_link_libraries(vb_${name} PRIVATE vb_flags ${arg_PACKAGES})
  if(arg_FREESTANDING)
    target_compile_options(vb_${name} PRIVATE -fno-exceptions $<$<CONFIG:Release>:-Os>)
    if(NOT VB_SANITIZE) # UBSan checks objects by their type information
      target_compile_options(vb_${name} PRIVATE -fno-rtti)
    endif()
  endif()
endfunction()

# Flags of everything that is ours, and of nothing else.
add_library(vb_flags INTERFACE)
target_compile_options(vb_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef
  -ffunction-sections -fdata-sections
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor$<SEMICOLON>-Woverloaded-virtual$<SEMICOLON>-Wold-style-cast>)
if(VB_WERROR AND NOT VB_SANITIZE) # with sanitizers GCC warns of what is not there
  target_compile_options(vb_flags INTERFACE -Werror)
endif()
if(VB_SANITIZE)
  add_compile_options(-fsanitize=${VB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VB_SANITIZE})
endif()
if(VB_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
