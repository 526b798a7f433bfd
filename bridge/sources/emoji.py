"""Emoji by the names that chat services have for them, and where they stand in a text."""

import re
from collections.abc import Mapping

# The ones that alerts, builds and deployments use; of any other the name is shown.
_TABLE = """
    white_check_mark=✅ heavy_check_mark=✔️ ballot_box_with_check=☑️ x=❌ negative_squared_cross_mark=❎ warning=⚠️
    exclamation=❗ heavy_exclamation_mark=❗ grey_exclamation=❕ bangbang=‼️ question=❓ grey_question=❔ no_entry=⛔
    no_entry_sign=🚫 octagonal_sign=🛑 rotating_light=🚨 fire=🔥 boom=💥 bomb=💣 skull=💀 bug=🐛 zap=⚡ ambulance=🚑
    fire_engine=🚒 sos=🆘 red_circle=🔴 large_orange_circle=🟠 large_yellow_circle=🟡 large_green_circle=🟢
    large_blue_circle=🔵 white_circle=⚪ black_circle=⚫ large_green_square=🟩 large_red_square=🟥 green_heart=💚
    red_heart=❤️ heart=❤️ yellow_heart=💛 broken_heart=💔 green_circle=🟢 orange_circle=🟠 yellow_circle=🟡
    information_source=ℹ️ bell=🔔 no_bell=🔕 mega=📣 loudspeaker=📢 speech_balloon=💬 memo=📝 page_facing_up=📄
    clipboard=📋 pushpin=📌 round_pushpin=📍 paperclip=📎 link=🔗 mag=🔍 lock=🔒 unlock=🔓 key=🔑 shield=🛡️ eyes=👀
    rocket=🚀 ship=🚢 package=📦 gear=⚙️ wrench=🔧 hammer=🔨 hammer_and_wrench=🛠️ construction=🚧 robot_face=🤖
    tada=🎉 sparkles=✨ star=⭐ trophy=🏆 checkered_flag=🏁 triangular_flag_on_post=🚩 label=🏷️ bookmark=🔖
    clock1=🕐 hourglass=⌛ hourglass_flowing_sand=⏳ stopwatch=⏱️ alarm_clock=⏰ calendar=📅 date=📅
    chart_with_upwards_trend=📈 chart_with_downwards_trend=📉 bar_chart=📊 computer=💻 desktop_computer=🖥️
    floppy_disk=💾 cloud=☁️ snowflake=❄️ sunny=☀️ thermometer=🌡️ droplet=💧 electric_plug=🔌 battery=🔋 moneybag=💰
    arrow_up=⬆️ arrow_down=⬇️ arrow_right=➡️ arrow_left=⬅️ arrow_heading_up=⤴️ arrow_heading_down=⤵️
    arrows_counterclockwise=🔄 repeat=🔁 heavy_plus_sign=➕ heavy_minus_sign=➖ small_red_triangle=🔺
    thumbsup=👍 +1=👍 thumbsdown=👎 -1=👎 wave=👋 clap=👏 pray=🙏 raised_hands=🙌 point_right=👉 ok_hand=👌 ok=🆗
    smile=😄 slightly_smiling_face=🙂 cry=😢 sob=😭 scream=😱 thinking_face=🤔 sweat_smile=😅 sunglasses=😎
"""  # noqa: RUF001  signs
EMOJI: Mapping[str, str] = {name: sign for name, _, sign in (pair.partition("=") for pair in _TABLE.split())}
NAME = re.compile(r":([a-z0-9_+'-]{1,50}):(?::skin-tone-\d:)?", re.ASCII)

_SIGN = (
    r"(?:[\U0001f000-\U0001faff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u2934\u2935\u203c\u2139]"
    r"[\ufe0e\ufe0f\u200d\u20e3]*)"
)
_NAMED = r"(?::(?=[a-z0-9_+-]*[a-z])[a-z0-9_+-]{1,50}:)"
_BEFORE = re.compile(rf"(?:\s|{_SIGN}|{_NAMED})*")
_PIECE = re.compile(rf"\s|{_SIGN}|{_NAMED}")
_ANYWHERE = re.compile(rf"{_SIGN}|{_NAMED}")


def with_emoji(text: str) -> str:
    """The text with signs in place of their names: `✅` for `:white_check_mark:`."""
    return NAME.sub(lambda found: EMOJI.get(found[1], found[0]), text)


def without_outer_emoji(text: str) -> str:
    """The text without the emoji that it begins and ends with."""
    start, end = 0, len(text)
    if found := _BEFORE.match(text):
        start = found.end()
    for piece in reversed(list(_PIECE.finditer(text, start))):
        if piece.end() != end:
            break
        end = piece.start()
    return text[start:end]


def without_emoji(text: str) -> str:
    """The text without any."""
    return _ANYWHERE.sub(" ", text)
