-- Carries request headers along a call chain by W3C baggage, as ASM's proxies do for an ASMHeaderPropagation.
--
-- inbound:  the request has header h  -> baggage gets the member h=<percent-encoded value>
-- outbound: the request has no header h, but baggage has a member h -> header h is set, and routed on
--
-- Documented for ASM: that proxies extract the header from baggage. Chosen here (unknown for ASM): the key and
-- the encoding; that an explicit header wins, inbound by taking the place of a member with another value; that
-- of several members with one key the last counts (as in OpenTelemetry).
--
-- Which headers, and which side this is, comes with the routes (filter_context), so that a change of lanes
-- never touches a listener. Without a context the filter does nothing.

local METADATA = "asm.lanes"

local function trim(text)
  return (text:gsub("^[ \t]+", ""):gsub("[ \t]+$", ""))
end

-- Everything but RFC 3986's unreserved characters: safe for every reader of baggage, those that take "+" for a
-- space included.
local function encode(value)
  return (value:gsub("[^%w%-%._~]", function(char)
    return string.format("%%%02X", char:byte())
  end))
end

-- Sequences that are no percent-encoding stay as they are.
local function decode(value)
  return (value:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

-- The list members of a baggage header, in order: {raw = whole member with its properties, key = lower case,
-- value = decoded}. Members that are not key=value keep only their raw text.
local function parse(text)
  local members = {}
  for part in (text .. ","):gmatch("([^,]*),") do
    local raw = trim(part)
    if raw ~= "" then
      local key, value = raw:match("^([^=;]+)=([^;]*)")
      members[#members + 1] = {
        raw = raw,
        key = key and trim(key):lower(),
        value = value and decode(trim(value)),
      }
    end
  end
  return members
end

local function last(members, key)
  for index = #members, 1, -1 do
    if members[index].key == key then
      return members[index].value
    end
  end
  return nil
end

local function starts_with(text, prefixes)
  for _, prefix in ipairs(prefixes) do
    if text:sub(1, #prefix) == prefix then
      return true
    end
  end
  return false
end

-- A member becomes a header only if HTTP allows it there: a forged value must not end a line. Names that the
-- proxies themselves live on are out of reach for prefixes.
local RESERVED = { baggage = true, host = true, connection = true, upgrade = true, te = true,
  ["content-length"] = true, ["transfer-encoding"] = true }

local function fit_for_header(key, value)
  return value ~= "" and not value:find("%c") and not RESERVED[key]
    and key:find("^[%w!#$%%&'*+.^_`|~-]+$") ~= nil
end

local function note(handle, what, names)
  handle:streamInfo():dynamicMetadata():set(METADATA, what, table.concat(names, ","))
end

-- inbound -----------------------------------------------------------------------------------------------------

local function request_values(headers, context)
  local values, names = {}, {}
  local function take(name, value)
    if values[name] == nil and value ~= nil and value ~= "" then
      values[name] = value
      names[#names + 1] = name
    end
  end
  for _, name in ipairs(context:get("headers") or {}) do
    take(name, headers:get(name))
  end
  local prefixes = context:get("prefixes") or {}
  if #prefixes > 0 then
    for name, _ in pairs(headers) do
      if starts_with(name, prefixes) and not RESERVED[name] then
        take(name, headers:get(name))
      end
    end
  end
  return values, names
end

local function header_to_baggage(handle, context)
  local headers = handle:headers()
  local values, names = request_values(headers, context)
  local members = parse(headers:get("baggage") or "")
  local written = {}
  for _, name in ipairs(names) do
    if last(members, name) ~= values[name] then
      local kept = {}
      for _, member in ipairs(members) do
        if member.key ~= name then
          kept[#kept + 1] = member
        end
      end
      kept[#kept + 1] = { raw = name .. "=" .. encode(values[name]), key = name, value = values[name] }
      members = kept
      written[#written + 1] = name
    end
  end
  if #written > 0 then
    local raws = {}
    for index, member in ipairs(members) do
      raws[index] = member.raw
    end
    headers:remove("baggage")
    headers:add("baggage", table.concat(raws, ","))
    note(handle, "header_to_baggage", written)
  end
end

-- outbound ----------------------------------------------------------------------------------------------------

local function baggage_to_header(handle, context)
  local headers = handle:headers()
  local text = headers:get("baggage")
  if text == nil or text == "" then
    return
  end
  local members = parse(text)
  local set = {}
  local function restore(name)
    local value = last(members, name)
    if value ~= nil and headers:get(name) == nil and fit_for_header(name, value) then
      headers:add(name, value)
      set[#set + 1] = name
    end
  end
  for _, name in ipairs(context:get("headers") or {}) do
    restore(name)
  end
  local prefixes = context:get("prefixes") or {}
  for _, member in ipairs(members) do
    if member.key and starts_with(member.key, prefixes) then
      restore(member.key)
    end
  end
  if #set > 0 then
    note(handle, "baggage_to_header", set)
    handle:clearRouteCache()
  end
end

function envoy_on_request(handle)
  local context = handle:filterContext()
  local direction = context and context:get("direction")
  if direction == "inbound" then
    header_to_baggage(handle, context)
  elseif direction == "outbound" then
    baggage_to_header(handle, context)
  end
end
