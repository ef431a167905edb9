import Basics
import CCurl
import Glibc

/// libcurl, loaded with the first request.
///
/// It depends on thirty other libraries. Loading it takes several times as long as everything else
/// up to a first response.
struct CurlLibrary: @unchecked Sendable {
  // @unchecked: addresses of C functions, which do not change.
  let easyInit: @convention(c) () -> UnsafeMutableRawPointer?
  let easyReset: @convention(c) (UnsafeMutableRawPointer) -> Void
  let easyCleanup: @convention(c) (UnsafeMutableRawPointer) -> Void
  let easyPause: @convention(c) (UnsafeMutableRawPointer, Int32) -> CURLcode
  let easyError: @convention(c) (CURLcode) -> UnsafePointer<CChar>
  let setOption: sallyport_setopt
  let getInfo: sallyport_getinfo
  let multiInit: @convention(c) () -> UnsafeMutableRawPointer?
  let multiAdd: @convention(c) (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> CURLMcode
  let multiRemove: @convention(c) (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> CURLMcode
  let multiSocketAction:
    @convention(c) (UnsafeMutableRawPointer, Int32, Int32, UnsafeMutablePointer<Int32>)
      -> CURLMcode
  let multiInfoRead:
    @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<Int32>)
      -> UnsafeMutablePointer<CURLMsg>?
  let multiSetOption: sallyport_multi_setopt
  let listAppend:
    @convention(c) (UnsafeMutablePointer<curl_slist>?, UnsafePointer<CChar>)
      -> UnsafeMutablePointer<curl_slist>?
  let listFree: @convention(c) (UnsafeMutablePointer<curl_slist>?) -> Void
  let urlInit: @convention(c) () -> OpaquePointer?
  let urlCleanup: @convention(c) (OpaquePointer) -> Void
  let urlSet: @convention(c) (OpaquePointer, CURLUPart, UnsafePointer<CChar>, UInt32) -> CURLUcode
  let urlGet:
    @convention(c) (
      OpaquePointer, CURLUPart, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, UInt32
    ) -> CURLUcode
  let free: @convention(c) (UnsafeMutableRawPointer?) -> Void
  let version: @convention(c) () -> UnsafePointer<CChar>

  struct LoadError: Error {
    let reason: String
  }

  static let shared = LoadedLibrary { () throws(LoadError) in
    try CurlLibrary(opening: "libcurl.so.4")
  }

  private init(opening name: String) throws(LoadError) {
    guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
      throw LoadError(reason: "cannot load libcurl: \(String(cString: dlerror()))")
    }
    func symbol<Function>(_ name: String) throws(LoadError) -> Function {
      guard let address = dlsym(handle, name) else {
        throw LoadError(reason: "libcurl is too old: missing \(name)")
      }
      // The type of a C function is the one that its header declares.
      return unsafeBitCast(address, to: Function.self)
    }
    easyInit = try symbol("curl_easy_init")
    easyReset = try symbol("curl_easy_reset")
    easyCleanup = try symbol("curl_easy_cleanup")
    easyPause = try symbol("curl_easy_pause")
    easyError = try symbol("curl_easy_strerror")
    setOption = try symbol("curl_easy_setopt")
    getInfo = try symbol("curl_easy_getinfo")
    multiInit = try symbol("curl_multi_init")
    multiAdd = try symbol("curl_multi_add_handle")
    multiRemove = try symbol("curl_multi_remove_handle")
    multiSocketAction = try symbol("curl_multi_socket_action")
    multiInfoRead = try symbol("curl_multi_info_read")
    multiSetOption = try symbol("curl_multi_setopt")
    listAppend = try symbol("curl_slist_append")
    listFree = try symbol("curl_slist_free_all")
    urlInit = try symbol("curl_url")
    urlCleanup = try symbol("curl_url_cleanup")
    urlSet = try symbol("curl_url_set")
    urlGet = try symbol("curl_url_get")
    free = try symbol("curl_free")
    version = try symbol("curl_version")
    let initialize: @convention(c) (Int) -> CURLcode = try symbol("curl_global_init")
    guard initialize(Int(CURL_GLOBAL_ALL)) == CURLE_OK else {
      throw LoadError(reason: "cannot initialize libcurl")
    }
  }

  /// Resolves a reference against `base` (RFC 3986 section 5); nil if it is invalid.
  func resolve(_ reference: String, against base: String) -> String? {
    guard let url = urlInit() else { return nil }
    defer { urlCleanup(url) }
    guard urlSet(url, CURLUPART_URL, base, 0) == CURLUE_OK,
      urlSet(url, CURLUPART_URL, reference, UInt32(CURLU_URLENCODE)) == CURLUE_OK
    else { return nil }
    var text: UnsafeMutablePointer<CChar>?
    guard urlGet(url, CURLUPART_URL, &text, 0) == CURLUE_OK, let text else { return nil }
    defer { free(text) }
    return String(cString: text)
  }
}
