export { Internet, type InternetOptions, type LinkAttachment } from './internet.js';
export { classNetFiles, classNetStatistics } from './proc/class-net.js';
export { NET_FILES, type NetText } from './proc/net-files.js';
export { netSysctls, type Sysctl } from './proc/net-sysctl.js';
export { InternetSettings } from './settings.js';
export { SocketRegistry } from './socket-registry.js';
