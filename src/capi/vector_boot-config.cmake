include(${CMAKE_CURRENT_LIST_DIR}/vector_boot-targets.cmake)
