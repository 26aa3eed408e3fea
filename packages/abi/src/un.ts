// unix(7): addresses.
import { bytes, struct, u16 } from './layout.js';

// struct sockaddr_un
export const SOCKADDR_UN_SIZE = 110;
export const SOCKADDR_UN_SUN_FAMILY = 0;
export const SOCKADDR_UN_SUN_PATH = 2;
export const SOCKADDR_UN_LAYOUT = /* @__PURE__ */ struct('struct sockaddr_un', SOCKADDR_UN_SIZE, {
  sun_family: u16(SOCKADDR_UN_SUN_FAMILY),
  sun_path: bytes(SOCKADDR_UN_SUN_PATH, 108),
});
