# Shared by every package with a native part. A package's CMakeLists.txt is:
#
#   cmake_minimum_required(VERSION 3.20)
#   project(host CXX)
#   include(${CMAKE_CURRENT_SOURCE_DIR}/../../scripts/cmake/native.cmake)
#   native_addon(host native/addon.cpp native/spawn.cpp)          # → build/Release/host.node
#   native_freestanding(stub native/stub.cpp)                     # → build/Release/stub: static, no libc, entry `_start`
#
# A package that shares sources: native_sibling(STUB_NATIVE platform-stub), then ${STUB_NATIVE}/fpu.cpp among its own.
#
# Variables, all set by scripts/build-native.mjs (the defaults serve a plain `cmake -B build`):
#   SANITIZE                  empty, or a list for -fsanitize (address,undefined); never applied to freestanding executables
#   NODE_API_INCLUDE          include folder of the npm package node-api-headers
#   NODE_ADDON_API_INCLUDE    include folder of the npm package node-addon-api
#   CMAKE_LIBRARY_OUTPUT_DIRECTORY  set by cmake-js: build/Release or build/sanitize/Release
# After native_addon(NAME …) the target NAME takes further target_link_libraries() or target_compile_options().

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(SANITIZE "" CACHE STRING "sanitizers for the addon, comma separated")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
if(NOT CMAKE_LIBRARY_OUTPUT_DIRECTORY)
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/Release)
endif()
find_package(Threads REQUIRED)

function(native_include variable package)
  if(NOT ${variable})
    execute_process(
      COMMAND node -p "require('path').resolve(require('${package}').include_dir)"
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(${variable} ${found} CACHE PATH "include folder of ${package}" FORCE)
  endif()
endfunction()

# The folder `native` of another package of this project, which this package depends on: wherever node finds it.
function(native_sibling variable package)
  execute_process(
    COMMAND node -p "require('path').resolve(require.resolve('@sandbox-kernel/${package}/package.json'), '../native')"
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

set(NATIVE_WARNINGS -Wall -Wextra -Werror)

function(native_addon name)
  native_include(NODE_API_INCLUDE node-api-headers)
  native_include(NODE_ADDON_API_INCLUDE node-addon-api)
  add_library(${name} SHARED ${ARGN})
  target_include_directories(${name} SYSTEM PRIVATE ${NODE_API_INCLUDE} ${NODE_ADDON_API_INCLUDE})
  target_compile_definitions(${name} PRIVATE NAPI_VERSION=8 NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS _GNU_SOURCE)
  target_compile_options(${name} PRIVATE
    ${NATIVE_WARNINGS} -O2 -fvisibility=hidden -fno-exceptions -fno-rtti -fstack-protector-strong)
  target_link_libraries(${name} PRIVATE Threads::Threads)
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now)
  if(SANITIZE)
    target_compile_options(${name} PRIVATE
      -fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    target_link_options(${name} PRIVATE -fsanitize=${SANITIZE})
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".node")
endfunction()

function(native_freestanding name)
  add_executable(${name} ${ARGN})
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  target_compile_options(${name} PRIVATE
    ${NATIVE_WARNINGS} -O2 -ffreestanding -fno-pic -fno-exceptions $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti> -fno-stack-protector
    -fno-asynchronous-unwind-tables -fcf-protection=none -mno-red-zone -fvisibility=hidden)
  target_link_options(${name} PRIVATE -static -nostdlib -no-pie -Wl,--build-id=none -Wl,-z,noexecstack)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
endfunction()
