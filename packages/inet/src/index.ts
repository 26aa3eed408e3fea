export { Internet, type InternetOptions, type LinkAttachment } from './internet.js';
export { InternetSettings } from './settings.js';
export { SocketRegistry } from './socket-registry.js';
